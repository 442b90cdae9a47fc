# Sourced by the scripts beside it: a private PostgreSQL server, with binaries that are installed when there are none.

. tests/packages.sh

started_postgres=""

find_postgres() {
    command -v initdb >/dev/null && dirname "$(readlink -f "$(command -v initdb)")" && return
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

free_port() {
    local port
    for port in $(shuf -i 20000-32000 -n 50); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# start_postgres FOLDER: with its data, log and socket in that folder. Exports how to reach it, and how to control it.
start_postgres() {
    local folder=$1 binaries port
    binaries=$(find_postgres)
    if [ -z "$binaries" ]; then
        install_packages postgresql
        binaries=$(find_postgres)
    fi

    command -v pgbouncer >/dev/null || install_packages pgbouncer
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || useradd --system postgres
        chown postgres "$folder"
    fi

    port=$(free_port)
    export CLOUDSTATE_TEST_POSTGRES_BIN="$binaries"
    export CLOUDSTATE_TEST_POSTGRES_DATA="$folder/data"
    started_postgres=yes
    as_postgres "$binaries/initdb" -D "$folder/data" -U cloudstate -A trust --no-sync >/dev/null
    # In the file, not on the command line: a restart needs them, too.
    cat >>"$folder/data/postgresql.conf" <<EOF
port = $port
unix_socket_directories = '$folder'
listen_addresses = '127.0.0.1'
max_connections = 200
EOF
    as_postgres "$binaries/pg_ctl" -D "$folder/data" -w -l "$folder/data.log" start >/dev/null
    export CLOUDSTATE_TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=cloudstate;Database=postgres"
}

# Ends the server that start_postgres has started, if it has.
stop_postgres() {
    if [ -n "$started_postgres" ]; then
        as_postgres "$CLOUDSTATE_TEST_POSTGRES_BIN/pg_ctl" -D "$CLOUDSTATE_TEST_POSTGRES_DATA" -m immediate -w stop >/dev/null 2>&1 || true
    fi
}

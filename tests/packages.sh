# Sourced by the scripts beside it.

# install_packages NAME...: Debian packages, as root or with sudo.
install_packages() {
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    echo "Installing $* ..."
    $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Sourced by the scripts beside it.

# publish_aot FOLDER: the sample, compiled ahead of time (Native AOT), with the C compiler that is there or is installed.
publish_aot() {
    local linker=()
    if ! command -v clang >/dev/null && ! command -v gcc >/dev/null; then
        echo "Installing clang ..."
        local sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo"
        $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang libc6-dev zlib1g-dev >/dev/null
    fi

    command -v clang >/dev/null || linker=(-p:CppCompilerAndLinker=gcc -p:LinkerFlavor=bfd)
    dotnet publish samples/ShoppingCart -c Release --use-current-runtime -p:PublishAot=true "${linker[@]}" -v quiet -nologo -o "$1"
}

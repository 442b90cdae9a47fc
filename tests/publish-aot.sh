# Sourced by the scripts beside it.

. tests/packages.sh

# publish_aot FOLDER: the sample, compiled ahead of time (Native AOT), with the C compiler that is there or is installed.
publish_aot() {
    local linker=()
    if ! command -v clang >/dev/null && ! command -v gcc >/dev/null; then
        install_packages clang libc6-dev zlib1g-dev
    fi

    command -v clang >/dev/null || linker=(-p:CppCompilerAndLinker=gcc -p:LinkerFlavor=bfd)
    dotnet publish samples/ShoppingCart -c Release --use-current-runtime -p:PublishAot=true "${linker[@]}" -v quiet -nologo -o "$1"
}

# Sourced by the scripts beside it.

. tests/packages.sh

# Native AOT links with clang, or with gcc where that is missing.
install_c_compiler() {
    command -v clang >/dev/null || command -v gcc >/dev/null || install_packages clang libc6-dev zlib1g-dev
}

# publish_aot FOLDER: the sample, compiled ahead of time (Native AOT).
publish_aot() {
    install_c_compiler
    dotnet publish samples/ShoppingCart -c Release --use-current-runtime -p:PublishAot=true -v quiet -nologo -o "$1"
}

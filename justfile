# Lists the recipes.
default:
    @just --list

# Installs what the build needs beside Rust (C++ compiler, CMake, libclang).
setup:
    scripts/setup

# Format, lints and all tests: what CI runs.
test:
    scripts/test

# Checks the fixtures with the built-in model and writes a report to konform-out/.
demo:
    scripts/demo

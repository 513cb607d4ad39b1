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

# Builds the built-in model anew (hours on a processor; needs ../shared/data).
train-builtin *ARGS:
    training/run.sh {{ARGS}}

# Prints verdicts against expectations for the last demo run.
table:
    python3 fixtures/table.py konform-out/findings.json

# Measures reading (against pdftotext), index, search, judging and memory on this machine.
bench *ARGS:
    scripts/bench {{ARGS}}

# Measures judging: reuse against raw speed and llama-cpp-python, bits, what findings rest on.
bench-judge *ARGS:
    scripts/bench-judge {{ARGS}}

#!/usr/bin/env bash
# Installs a GitHub emulated by others, and the Node it needs, of npm: bash tests/github/install.sh FOLDER
set -euo pipefail
folder=$1
mkdir -p "$folder"
[ -d "$folder/node_modules/emulate" ] ||
    npm install --silent --no-fund --no-audit --prefix "$folder" emulate@0.12.2 node@24

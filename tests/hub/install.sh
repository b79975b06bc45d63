#!/usr/bin/env bash
# Installs two JupyterHubs, of PyPI, and the proxy they need, of npm: bash tests/hub/install.sh FOLDER
set -euo pipefail
folder=$1
mkdir -p "$folder"
for version in 4.1 newest; do
    [ -x "$folder/$version/bin/jupyterhub" ] && continue
    python3 -m venv "$folder/$version"
    case $version in
        # The last of the fours; SQLAlchemy 2.1 came after it.
        4.1) packages=('jupyterhub==4.1.6' 'sqlalchemy<2.1') ;;
        newest) packages=(jupyterhub) ;;
    esac
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check \
        "${packages[@]}" jupyter_server ipykernel
done
[ -d "$folder/proxy/node_modules" ] ||
    npm install --silent --no-fund --no-audit --prefix "$folder/proxy" configurable-http-proxy@4

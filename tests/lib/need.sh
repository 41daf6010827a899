# Sourced: what a step or a server needs, installed where it is missing. $RUN is a folder for notes.

# need COMMAND[=PACKAGE]...: installs what is missing, says what cannot be had.
need() {
  local want cmd package sudo=
  [ "$(id -u)" -eq 0 ] || sudo='sudo -n'
  for want in "$@"; do
    cmd=${want%%=*} package=${want#*=}
    have "$cmd" && continue
    if command -v apt-get >/dev/null; then
      [ -e "$RUN/apt" ] || { $sudo apt-get update -q && : >"$RUN/apt"; } >"$RUN/apt.out" 2>&1
      DEBIAN_FRONTEND=noninteractive $sudo apt-get install -yq --no-install-recommends "$package" >>"$RUN/apt.out" 2>&1
    fi
    have "$cmd" || { tail -n 5 "$RUN/apt.out" 2>/dev/null; echo "missing: $cmd (Debian package $package)"; return 1; }
  done
}
# A header file counts as a command: `need /usr/include/sodium.h=libsodium-dev`.
have() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null ;; esac; }

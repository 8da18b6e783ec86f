# shellcheck shell=bash
# Of contrib/stack: the settings, from the environment, those of the last start,
# and the defaults.

readonly SAVED='PORT PROGRAM MODULE CONFIG SETTINGS WORKERS POSTGRES MEMCACHED
    CACHE_MB WEIGHTS FASTPATH'

# Makes the paths in these variables absolute, all by one process.
resolve() { # NAME...
    local name paths=() i=0
    for name; do paths+=("${!name}"); done
    mapfile -d '' -t paths < <(realpath -z -m -- "${paths[@]}")
    for name; do printf -v "$name" %s "${paths[i++]}"; done
}

resolve_run() {
    ROOT=$HERE/..
    : "${RUN:=$ROOT/run}"
    resolve ROOT RUN
    [[ $RUN != / ]] || die "RUN=/ cannot be: name a folder of its own"
    [[ $RUN =~ ^[A-Za-z0-9._/+@-]+$ ]] ||
        die "RUN=$RUN: the path may hold only A-Z a-z 0-9 . _ / + @ -;" \
            "set RUN to another folder, such as RUN=/tmp/newsfeed"

    # A socket's path has at most 107 bytes; /.s.PGSQL.5432 and its lock file
    # are the longest names.
    (( ${#RUN} <= 88 )) ||
        die "RUN=$RUN is ${#RUN} bytes long, but a socket's path leaves room" \
            "for 88: set RUN to a shorter path, such as RUN=/tmp/newsfeed"
    export RUN
}

# Those of the last start are the defaults of what is done to it afterwards.
load_settings() {
    case $command in
    run | start) ;;
    *)
        # shellcheck source=/dev/null
        [[ ! -r $RUN/settings ]] || . "$RUN/settings" ;;
    esac
    : "${PORT:=8080}" "${MEMCACHED:=1}" "${CACHE_MB:=64}" "${FASTPATH:=1}"
    : "${SETTINGS:=}" "${WORKERS:=}" "${WEIGHTS:=}" "${POSTGRES:=}" "${SEED:=}"
    : "${PROGRAM:=$ROOT/build/newsfeed}" "${CONFIG:=$ROOT/etc/newsfeed.conf}"
    : "${MODULE:=$ROOT/build/nginx/ngx_http_newsfeed_module.so}"
    # shellcheck disable=SC2086,SC2163
    export $SAVED
}

save_settings() {
    local name
    for name in $SAVED; do
        # shellcheck disable=SC2016
        printf '%s=${%s:-%q}\n' "$name" "$name" "${!name}"
    done >"$RUN/settings"
}

check_number() { # NAME MIN MAX
    local value=${!1}
    if ! [[ $value =~ ^(0|[1-9][0-9]{0,8})$ ]] ||
        (( value < $2 || value > $3 )); then
        die "$1=$value: it must be a number from $2 to $3"
    fi
}

check_words() { # NAME PATTERN FORM
    local word words
    read -ra words <<<"${!1}"
    for word in "${words[@]}"; do
        # shellcheck disable=SC2053
        [[ $word == $2 ]] || die "$1: '$word' is not of the form $3"
    done
}

check_settings() {
    local weights
    check_number PORT 1 65535
    check_number MEMCACHED 1 16
    check_number CACHE_MB 2 65536 # memcached takes no less
    check_number FASTPATH 0 1
    [[ -z $WORKERS ]] || check_number WORKERS 1 256
    [[ $WEIGHTS =~ ^[1-9\ ][0-9\ ]*$|^$ ]] ||
        die "WEIGHTS=$WEIGHTS: it must be one number for each memcached"
    read -ra weights <<<"$WEIGHTS"
    (( ${#weights[@]} == 0 || ${#weights[@]} == MEMCACHED )) ||
        die "WEIGHTS has ${#weights[@]} numbers for $MEMCACHED memcached"
    check_words SETTINGS '*.*=*' section.key=value
    check_words POSTGRES '[a-z]*=*' name=value
}

# shellcheck shell=bash
# Of contrib/stack: the program and its memcached servers.

# --- memcached --------------------------------------------------------------

up_memcached() { # PIECE
    need memcached memcached
    local socket
    socket=$(socket_of "$1")
    rm -f -- "$socket"
    launch "$1" memcached -s "$socket" -m "$CACHE_MB" -c 4096
    await "$1" test -S "$socket"
}

# --- the program ------------------------------------------------------------

cache_servers() {
    local piece servers='' weights
    read -ra weights <<<"$WEIGHTS"
    for piece in $(memcached_pieces); do
        servers+=,unix:$(socket_of "$piece")
        (( ${#weights[@]} == 0 )) ||
            { servers+=@${weights[0]}; weights=("${weights[@]:1}"); }
    done
    echo "${servers#,}"
}

# -> $program: the command and all its arguments. A later --set wins.
program_line() {
    local setting settings
    [[ -x $PROGRAM ]] ||
        die "there is no program $PROGRAM that $(id -un) may run: run 'make'"
    [[ -r $CONFIG ]] || die "there is no settings file $CONFIG: set CONFIG"
    program=("$PROGRAM" -c "$CONFIG"
        --set "service.spec=$ROOT/etc/openapi.yaml"
        --set "db.conninfo=host=$RUN dbname=newsfeed user=newsfeed"
        --set service.dumpable=on # is_alive looks where it stands
        --set "cache.servers=$(cache_servers)"
        --set "service.runtime_dir=$RUN/state")
    [[ -z $WORKERS ]] || program+=(--set "worker.count=$WORKERS")
    read -ra settings <<<"$SETTINGS"
    for setting in "${settings[@]}"; do program+=(--set "$setting"); done
}

up_newsfeed() {
    local program
    need spawn-fcgi spawn-fcgi
    program_line
    rm -f -- "$RUN/newsfeed.sock"
    printf '%q ' "${program[@]}" >"$RUN/newsfeed.command" # ps shows a title
    launch newsfeed spawn-fcgi -n -s "$RUN/newsfeed.sock" -M 0660 -b 1024 \
        -- "${program[@]}"
    await newsfeed test -S "$RUN/newsfeed.sock"
    is_alive nginx || return 0
    await newsfeed answers 'HTTP/1.? !(502)' # which is nginx's, of one that ends
    is_alive newsfeed || die "$(last_words newsfeed)"
}

# shellcheck shell=bash
# Of contrib/stack: the pieces, how each is started, found again and ended.

memcached_pieces() {
    local i
    if (( MEMCACHED == 1 )); then
        echo memcached
    else
        for (( i = 1; i <= MEMCACHED; i++ )); do echo "memcached-$i"; done
    fi
}

# All there should be, in the order of starting.
pieces() {
    echo postgres
    memcached_pieces
    echo newsfeed nginx
}

check_piece() { # PIECE
    [[ $1 =~ ^(postgres|memcached(-[1-9][0-9]?)?|newsfeed|nginx)$ ]] ||
        die "there is no piece '$1', only postgres memcached newsfeed nginx"
}

# The name given, or all memcached for "memcached".
expand() { # PIECE
    case $1 in
    memcached) memcached_pieces ;;
    *) echo "$1" ;;
    esac
}

dir_of() { # PIECE -> $dir, where its processes stand
    dir=$RUN/tmp/$1
    [[ $1 != postgres ]] || dir=$RUN/postgres
}

# Sets $pid as well.
is_alive() { # PIECE
    local dir
    pid=
    dir_of "$1"
    { read -r pid <"$RUN/$1.pid"; } 2>/dev/null || [[ -n $pid ]] || return 1
    [[ $pid =~ ^[0-9]+$ && /proc/$pid/cwd -ef $dir ]]
}

# memcached-2 listens on memcached.sock-2.
socket_of() { # PIECE
    echo "$RUN/${1%%-*}.sock${1#"${1%%-*}"}"
}

# In the background, in a session of its own: Ctrl-C is for the script alone.
launch() { # PIECE COMMAND...
    local piece=$1 dir
    shift
    dir_of "$piece"
    mkdir -p -- "$dir"
    cd -- "$dir" || die "$dir cannot be entered"
    rm -f -- "$RUN/$piece.pid"
    setsid "$@" </dev/null >>"$RUN/log/$piece.log" 2>&1 \
        8<&- 9>&- &
    echo $! >"$RUN/$piece.pid"
    disown
    cd -- "$RUN/tmp" || exit 1
}

last_words() { # PIECE
    printf '%s ended at once; %s ends with: %s' "$1" "$RUN/log/$1.log" \
        "$(grep . "$RUN/log/$1.log" | tail -n 1)"
}

# A look at where a new process stands has failed once in thousands of starts,
# while it ran: so it has ended only if no signal reaches it either.
has_ended() { # PIECE
    ! is_alive "$1" && ! kill -s 0 "$pid" 2>/dev/null
}

await() { # PIECE CONDITION...
    local piece=$1 end=$(( SECONDS + 60 ))
    shift
    until "$@"; do
        ! has_ended "$piece" || die "$(last_words "$piece")"
        (( SECONDS < end )) ||
            die "$piece is not ready after a minute: see $RUN/log/$piece.log"
        nap
    done
}

# Every process of a piece: also those whose master was killed. One that has a
# terminal is somebody's shell that stands in the folder.
find_remains() { # PIECE -> $remains, pids
    local dir link pid stat terminal
    remains=()
    dir_of "$1"
    for link in /proc/[0-9]*/cwd; do
        [[ $link -ef $dir ]] || continue
        pid=${link//[^0-9]/}
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
        # after "(name)": state, parent, group, session, terminal
        read -r _ _ _ _ terminal _ <<<"${stat##*) }"
        [[ $terminal != 0 ]] || remains+=("$pid")
    done
}

# Most end by themselves when their master is gone; the rest is killed.
sweep() { # PIECE
    local end=$(( SECONDS + 2 )) remains
    while find_remains "$1"; (( ${#remains[@]} > 0 )); do
        (( SECONDS < end )) || kill -s KILL "${remains[@]}" 2>/dev/null
        nap
    done
}

default_signal() { # PIECE
    case $1 in
    postgres) echo INT ;; # does not wait for its clients
    newsfeed) echo QUIT ;; # finishes the requests in work
    *) echo TERM ;;
    esac
}

down() { # PIECE [SIGNAL]
    local end=$(( SECONDS + 30 )) pid
    if is_alive "$1"; then
        kill -s "${2:-$(default_signal "$1")}" "$pid" 2>/dev/null
        kill -s CONT "$pid" 2>/dev/null # it may have been stopped
        while is_alive "$1"; do
            if (( SECONDS >= end )); then
                say "$1 did not end within 30 s and is killed"
                kill -s KILL "$pid" 2>/dev/null
            fi
            nap
        done
    fi
    sweep "$1"
    rm -f -- "$RUN/$1.pid"
    case $1 in
    memcached* | newsfeed) rm -f -- "$(socket_of "$1")" ;;
    esac
}

up() { # PIECE
    is_alive "$1" && return
    sweep "$1"
    case $1 in
    postgres) up_postgres ;;
    memcached*) up_memcached "$1" ;;
    newsfeed) up_newsfeed ;;
    nginx) up_nginx ;;
    esac
}

# shellcheck shell=bash
# Of contrib/stack: the folder $RUN, who may use it, and who root becomes.

readonly MARKER=.newsfeed-stack
readonly ACCOUNT=postgres # what root becomes; Debian's postgresql brings it

# What carries the marker is ours. An empty folder becomes ours by what starts
# something in it; all else leaves it alone.
check_run() {
    [[ -d $RUN ]] || {
        [[ ! -e $RUN ]] || die "$RUN is no folder: set RUN to another path"
        return 0
    }
    [[ -r $RUN && -x $RUN ]] || die_of_owner
    [[ ! -e $RUN/$MARKER ]] || return 0
    [[ $command == @(run|start|up) && -z $(ls -A -- "$RUN") ]] ||
        die "$RUN was not made by contrib/stack: set RUN to another path"
}

die_of_owner() {
    local owner how
    owner=$(stat -c %U -- "$RUN")
    how="run this as $owner"
    [[ $owner != "$ACCOUNT" ]] || how="root made it, so use sudo"
    die "$RUN belongs to $owner: $how, or set RUN to another path"
}

make_run() {
    check_run
    mkdir -p -- "$RUN" 2>/dev/null ||
        die "$RUN cannot be made: set RUN to a folder that you may write to"
    [[ -e $RUN/$MARKER ]] || { : >"$RUN/$MARKER"; } 2>/dev/null ||
        die "$RUN is not writable: set RUN to another path"
}

# Where there is no folder, there is nothing to stop, show or remove.
leave_nothing() {
    [[ ! -d $RUN ]] || return 0
    case $command in
    stop | reset) say "nothing ran: there is no $RUN"; exit 0 ;;
    status | down) say "nothing runs: there is no $RUN"; exit 3 ;;
    esac
}

need_account() {
    need setpriv util-linux
    id -- "$ACCOUNT" >/dev/null 2>&1 ||
        die "there is no account $ACCOUNT to run as instead of root (Debian" \
            "package postgresql-15 makes it): run 'make packages'"
}

# PostgreSQL refuses to run as root, so root hands over to another account.
# Where that account cannot go (a checkout below /root), it keeps the one
# capability that lets it pass, as far as COMMAND needs it: access(2), as of
# test -x, knows of none, so let that read or run something.
find_drop() { # COMMAND... -> $drop, what goes before a command of root's
    local cap
    for cap in none dac_read_search dac_override; do
        drop=(setpriv "--reuid=$ACCOUNT" "--regid=$ACCOUNT" --init-groups)
        [[ $cap == none ]] || drop+=("--inh-caps=+$cap" "--ambient-caps=+$cap")
        ! "${drop[@]}" "$@" </dev/null >/dev/null 2>&1 || return 0
    done
    return 1
}

# For others who start what root should not run: the account and those words.
print_account() { # COMMAND...
    local drop
    (( EUID == 0 )) || return 0
    need_account
    find_drop "$@" ||
        die "root hands over to the account $ACCOUNT, which cannot do this:" \
            "$*: move the checkout, or run as another user"
    printf '%s\n' "$ACCOUNT" "${drop[@]}"
}

become_account() { # ARGUMENTS...
    local owner drop
    need_account
    make_run
    owner=$(stat -c %U -- "$RUN")
    if [[ $owner == root ]]; then
        chown -R -h -- "$ACCOUNT:" "$RUN"
    elif [[ $owner != "$ACCOUNT" ]]; then
        die_of_owner
    fi
    find_drop /bin/bash "$ROOT/contrib/stack" can-work ||
        die "root hands over to the account $ACCOUNT, which cannot work in" \
            "$ROOT and $RUN: move the checkout to, say, /srv/newsfeed and set" \
            "RUN to a folder there, or run as another user"
    exec "${drop[@]}" /bin/bash "$ROOT/contrib/stack" "$@"
}

# Asked as the account: may it write to $RUN, read the checkout, run programs
# of it? The answer depends on these two folders alone, since who has fewer
# capabilities than a process may not see where it stands (is_alive).
can_work() {
    : >"$RUN/$MARKER" &&
        [[ -r $ROOT/nginx/http.conf && -x $ROOT/contrib/stack ]]
}

enter_run() {
    make_run
    [[ -O $RUN ]] || die_of_owner
    chmod 700 -- "$RUN"
    umask 077
    mkdir -p -- "$RUN/log" "$RUN/tmp" || die "$RUN is not writable"
    cd -- "$RUN/tmp" || die "$RUN/tmp cannot be entered"
    exec 8<> <(:) 9>"$RUN/.lock"
}

# A hundredth of a second, with no process for it: nothing is ever to be read
# from descriptor 8.
nap() {
    read -r -t 0.01 -u 8 || : # the time is up
}

# Two commands at a time would tread on each other; each waits for the other.
lock() {
    flock -w 120 9 ||
        die "another contrib/stack has been busy in $RUN for two minutes"
}

unlock() {
    flock -u 9
}

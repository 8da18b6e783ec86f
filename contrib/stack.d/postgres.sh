# shellcheck shell=bash
# Of contrib/stack: PostgreSQL, its data, and the database.

# Its tools first in PATH: Debian's psql is a slow wrapper around them.
find_postgres() {
    local bin version
    if [[ -d $RUN/postgres ]]; then
        { read -r version <"$RUN/postgres/PG_VERSION"; } 2>/dev/null ||
            die "$RUN/postgres is damaged (no PG_VERSION): $(remedy reset)" \
                "removes it with its data, or set RUN to another path"
        bin=/usr/lib/postgresql/$version/bin
        [[ -x $bin/postgres ]] ||
            die "$RUN/postgres was made by PostgreSQL $version, which is not" \
                "installed: install postgresql-$version, or $(remedy reset)" \
                "removes it with its data"
    else
        [[ -z $SEED ]] || check_seed
        bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
        [[ -x $bin/postgres ]] ||
            die "PostgreSQL is not installed (Debian package postgresql-15):" \
                "run 'make packages'"
    fi
    PATH=$bin:$PATH
}

check_seed() {
    [[ -e $SEED/$MARKER && -d $SEED/postgres ]] ||
        die "SEED=$SEED is no folder of a stack that was started once"
    [[ ! -e $SEED/postgres/postmaster.pid ]] ||
        die "SEED=$SEED: the stack there runs, or was killed: start it and" \
            "stop it first"
}

# Under another name until it is whole.
init_postgres() {
    rm -rf -- "$RUN/postgres.new"
    if [[ -n $SEED ]]; then
        cp -a -- "$SEED/postgres" "$RUN/postgres.new" ||
            die "SEED=$SEED: its data could not be copied"
        mv -- "$RUN/postgres.new" "$RUN/postgres"
        return
    fi
    initdb --pgdata="$RUN/postgres.new" --username=postgres --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync \
        >"$RUN/log/initdb.log" 2>&1 ||
        die "initdb failed; $RUN/log/initdb.log ends with:" \
            "$(grep . "$RUN/log/initdb.log" | tail -n 1)"
    mv -- "$RUN/postgres.new" "$RUN/postgres"
}

postgres_is_ready() {
    local -a lines
    mapfile -t lines 2>/dev/null <"$RUN/postgres/postmaster.pid" || return 1
    [[ ${lines[0]-} == "$pid" && ${lines[7]-} == ready* ]]
} 2>/dev/null

up_postgres() {
    local setting settings options=()
    find_postgres
    [[ -d $RUN/postgres ]] || init_postgres

    # Left by a crash, and in the way if that pid is in use again. That nothing
    # of this server still runs was seen to by sweep.
    rm -f -- "$RUN/postgres/postmaster.pid" "$RUN"/.s.PGSQL.5432*

    read -ra settings <<<"$POSTGRES"
    for setting in "${settings[@]}"; do options+=(-c "$setting"); done
    launch postgres postgres -D "$RUN/postgres" -k "$RUN" -h '' -N 300 \
        -c log_line_prefix='%m [%p] %q%u ' "${options[@]}"
    is_alive postgres
    await postgres postgres_is_ready
    set_up_database
}

set_up_database() {
    psql -X -q -h "$RUN" -U postgres -d postgres \
        -f "$ROOT/sql/database.sql" ||
        die "the roles and the database could not be made"
    bash "$ROOT/sql/migrate" "host=$RUN dbname=newsfeed user=newsfeed_owner" \
        >>"$RUN/log/migrate.log" ||
        die "the migrations failed; if the database is of no use any more," \
            "$(remedy reset) removes it"
}

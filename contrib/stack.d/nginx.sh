# shellcheck shell=bash
# Of contrib/stack: nginx, its configuration, and requests through it.

# Only wraps what is in nginx/, found as newsfeed/ beside the file.
write_nginx_conf() {
    local auth='' auth_cache='' cache_map='' fastpath='' module=''
    local key_file printed program runtime_dir spec
    program_line
    printed=$("${program[@]}" --print-config 8<&- 9>&-) ||
        die "$PROGRAM could not print its settings"
    find_setting spec
    find_setting key_file
    find_setting runtime_dir
    if (( FASTPATH )) && [[ ! -r $MODULE ]]; then
        say "without the fast path: there is no $MODULE" \
            "('make module' builds it)"
    elif (( FASTPATH )); then
        module="load_module \"$MODULE\";"
        fastpath='include newsfeed/fastpath.conf;'
        cache_map='include cache_map.conf;'
        write_cache_map
    fi
    if [[ -n $fastpath && -n $key_file ]]; then
        auth='include newsfeed/auth.conf;'
        auth_cache="fastcgi_cache_path $RUN/tmp/nginx/auth
        keys_zone=newsfeed_auth:1m max_size=16m inactive=1m;"
    fi
    ln -sfn -- "$ROOT/nginx" "$RUN/newsfeed"
    mkdir -p -- "$RUN/public"
    ln -sfn -- "$spec" "$RUN/public/openapi.yaml"
    ln -sfn -- "$ROOT/nginx/pages" "$RUN/public/pages"
    ln -sfn -- "$ROOT/nginx/docs" "$RUN/public/docs"
    cat >"$RUN/nginx.conf" <<END
# Written anew by contrib/stack at every start of nginx.
$module
daemon off;
pid $RUN/tmp/nginx/nginx.pid;
error_log $RUN/log/nginx.log warn;
worker_processes auto;
worker_shutdown_timeout 60s; # of old ones, which have streams
pcre_jit on;

events {
    worker_connections $(( $(ulimit -n) - 100 )); # and as many files besides
}

http {
    client_body_temp_path $RUN/tmp/nginx/body;
    fastcgi_temp_path $RUN/tmp/nginx/fastcgi;
    proxy_temp_path $RUN/tmp/nginx/proxy;
    scgi_temp_path $RUN/tmp/nginx/scgi;
    uwsgi_temp_path $RUN/tmp/nginx/uwsgi;
    $auth_cache

    upstream newsfeed {
        server unix:$RUN/newsfeed.sock max_fails=0;
    }
    upstream newsfeed_stream {
        server unix:$runtime_dir/stream.sock max_fails=0;
    }
    variables_hash_max_size 2048;
    include newsfeed/http.conf;
    $cache_map
    map \$http_user_agent \$is_logged {
        default 1;
        contrib/stack 0;
    }
    access_log $RUN/log/access.log newsfeed buffer=64k flush=1s
        if=\$is_logged;

    server {
        listen 127.0.0.1:$PORT;
        root $RUN/public;
        include newsfeed/server.conf;
        include newsfeed/stream.conf;
        include newsfeed/pages.conf;
        $fastpath
        $auth
    }
}
END
}

write_cache_map() {
    "${program[@]}" --cache-map >"$RUN/cache_map.conf" 8<&- 9>&- ||
        die "$PROGRAM could not print the map of the cache"
}

# In $printed, the settings in force, wherever they were made.
find_setting() { # KEY -> ${!KEY}
    local text=$'\n'$printed
    text=${text#*$'\n'"$1 ="}
    text=${text%%$'\n'*}
    printf -v "$1" %s "${text# }"
}

up_nginx() {
    need nginx nginx
    check_port
    write_nginx_conf
    launch nginx nginx -p "$RUN" -c "$RUN/nginx.conf" -e "$RUN/log/nginx.log"
    await nginx is_open
    ! has_ended nginx || die "$(last_words nginx)"
}

check_port() {
    local first
    { read -r first </proc/sys/net/ipv4/ip_unprivileged_port_start; } \
        2>/dev/null || first=1024
    (( PORT >= first )) ||
        die "port $PORT is for root alone, and nothing here runs as root: set" \
            "PORT to one from $first on, such as PORT=8080"
    ! is_open ||
        die "port $PORT is taken by another program: set PORT, for example" \
            "PORT=$(( PORT % 65535 + 1 ))"
}

is_open() {
    : 3<>"/dev/tcp/127.0.0.1/$PORT"
} 2>/dev/null

# Whether a request through nginx, a worker and the database gets a status line
# of this shape.
answers() { # PATTERN
    local line=''
    {
        printf 'GET /participant/1 HTTP/1.0\r\n%s\r\n\r\n' \
            'User-Agent: contrib/stack' >&3
        read -r -t 5 line <&3
    } 3<>"/dev/tcp/127.0.0.1/$PORT"
    # shellcheck disable=SC2053
    [[ ${line:0:12} == $1 ]]
} 2>/dev/null

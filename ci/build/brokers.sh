# The brokers of `make test-brokers`, all from package registries, in build/brokers. Source functions.sh.

set -euo pipefail

CI_BROKERS=$CI_BUILD/brokers
MOSQUITTO_SUITE=trixie # has Mosquitto 2.0.21; the machine's own is tried, too

# Everything that `make test-brokers` needs.
ci_prepare_brokers() {
    ci_prepare_simulators
    ci_install_group run
    ci_install_group web
    ci_install_debian_file "/usr/lib/rabbitmq/lib/rabbitmq_server-*" rabbitmq-server
    ci_install_debian ejabberdctl ejabberd
    ci_install_debian nats-server nats-server
    ci_alone brokers ci_update_brokers
}

ci_update_brokers() {
    local mirror
    mkdir -p "$CI_BROKERS"
    ci_update_aedes
    mirror=$(ci_debian_mirror)
    if [ -n "$mirror" ]; then
        ci_update_suite_mosquitto
    else
        ci_say "This machine's apt names no Debian mirror: the tests with Debian $MOSQUITTO_SUITE's Mosquitto will fail"
    fi
}

ci_update_aedes() {
    local from=$CI_ROOT/tests/brokers/aedes to=$CI_BROKERS/aedes wanted
    wanted=$(cat "$from"/* | sha256sum)
    if [ "$(cat "$to/installed" 2>/dev/null || true)" = "$wanted" ]; then
        return
    fi
    ci_say "Installing Aedes in build/brokers"
    rm -rf "$to"
    cp -R "$from" "$to"
    ci_logged aedes ci_in_folder "$to" npm ci --ignore-scripts --no-audit --no-fund
    echo "$wanted" >"$to/installed"
}

# Unpack another Debian's Mosquitto with all that it needs, its C library included, and make a
# script that starts it.
ci_update_suite_mosquitto() {
    local to=$CI_BROKERS/mosquitto-$MOSQUITTO_SUITE state package
    if [ -x "$to/mosquitto" ]; then
        return
    fi
    ci_say "Unpacking Mosquitto of Debian $MOSQUITTO_SUITE in build/brokers"
    rm -rf "$to"
    mkdir -p "$to/root"
    state=$(ci_apt_state "$MOSQUITTO_SUITE" deb)
    rm -f "$state"/archives/*.deb
    ci_logged apt-brokers ci_apt "$MOSQUITTO_SUITE" deb update
    # With an empty list of what is installed apt fetches every dependency.
    ci_logged apt-mosquitto ci_apt "$MOSQUITTO_SUITE" deb -o Dir::State::status=/dev/null \
        -y --no-install-recommends --download-only install mosquitto
    for package in "$state"/archives/*.deb; do
        dpkg -x "$package" "$to/root"
    done
    cat >"$to/mosquitto.new" <<'SCRIPT'
#!/bin/sh
root=${0%/*}/root
exec "$root"/usr/lib*/ld-linux-*.so.* --library-path "$(echo "$root"/usr/lib/*-linux-gnu)" \
    "$root/usr/sbin/mosquitto" "$@"
SCRIPT
    chmod +x "$to/mosquitto.new"
    mv "$to/mosquitto.new" "$to/mosquitto"
}

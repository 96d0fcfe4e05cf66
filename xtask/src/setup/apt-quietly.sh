#!/bin/sh
# Installs Debian packages without starting a service now or at the next boot: the lab runs its own copies of the
# servers inside namespaces; the host must stay as it was.
# Arguments: refresh-lists or keep-lists, then the packages.
set -u
lists=$1
shift
policy=/usr/sbin/policy-rc.d
mark='prober: no service starts while the lab is installed'
export DEBIAN_FRONTEND=noninteractive

# One at a time: two would take each other's policy away.
exec 9>/run/prober-setup.lock
flock 9

# A run that was killed with -9 left its own behind.
if grep -qs "$mark" "$policy"; then
    rm -f "$policy"
    [ -e "$policy.prober" ] && mv "$policy.prober" "$policy"
fi
before=$(mktemp)
restore() {
    rm -f "$policy" "$before"
    [ -e "$policy.prober" ] && mv "$policy.prober" "$policy"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
[ -e "$policy" ] && mv "$policy" "$policy.prober"
printf '#!/bin/sh\n# %s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"
dpkg-query -W -f '${Package}\n' | sort >"$before"

if [ "$lists" = refresh-lists ]; then
    apt-get -o DPkg::Lock::Timeout=300 -q update || exit
fi
apt-get -o DPkg::Lock::Timeout=300 -q install -y --no-install-recommends "$@" || exit

# Only what this run brought in: a server that the host already had is none of our business. Neither is what Debian
# counts as part of the system (priority above optional), such as systemd itself.
command -v systemctl >/dev/null || exit 0
for package in $(dpkg-query -W -f '${Package}\n' | sort | comm -13 "$before" -); do
    [ "$(dpkg-query -W -f '${Priority}' "$package")" = optional ] || continue
    for unit in $(dpkg -L "$package" | grep -E '^(/usr)?/lib/systemd/system/[^/@]+\.(service|socket|timer)$'); do
        systemctl --quiet disable "${unit##*/}" 2>/dev/null
    done
done
exit 0

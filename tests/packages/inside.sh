# Run by debian_test.py in a copy of this system that is thrown away, as root: installs, uses, upgrades, removes and
# purges the packages in /debs by dpkg itself.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
say() { printf '== %s\n' "$*"; }
list() { find /etc /lib /usr /var -xdev -path /var/lib/dpkg -prune -o -path /var/log -prune -o -print | sort; }

list >/debs/before
getent passwd >/debs/users-before

say install
dpkg -i /debs/*.deb
[ "$(flowlensd --version)" = "$(cat /debs/version)" ]
[ "$(stat -c '%U:%G %a' /var/lib/flowlens)" = "flowlens:flowlens 750" ]
[ "$(stat -c '%U:%G %a' /etc/flowlens/flowlensd.env)" = "root:root 600" ]
[ -e /etc/systemd/system/multi-user.target.wants/flowlensd.service ]

if command -v systemd-analyze >/dev/null; then
  say "systemd finds nothing to say about the units"
  systemd-analyze verify flowlensd.service flowlensd@ingest.service 2>&1 | { ! grep flowlensd; }
fi

say "run as the user of the package"
ip link set lo up
setpriv --reuid flowlens --regid flowlens --clear-groups env FLOWLENS_DATA_DIR=/var/lib/flowlens \
  FLOWLENS_DNS_ENABLED=false flowlensd >/debs/log 2>&1 &
daemon=$!
for _ in $(seq 300); do
  curl -fs 127.0.0.1:8000/admin/health/ready >/dev/null && break
  sleep 0.1
done
curl -fsS 127.0.0.1:8000/admin/health/ready || { cat /debs/log; exit 1; }
echo
kill $daemon && wait $daemon
[ -n "$(ls /var/lib/flowlens)" ]

say "a program against libflowlens-dev"
c++ -std=c++20 $(cat /debs/cxxflags) /debs/decode_datagram.cpp $(pkg-config --cflags --libs flowlens-core) -o /debs/decode
/debs/decode </debs/datagram

say "a program against libflowlens0"
cc -std=c11 /debs/decode_datagram.c $(pkg-config --cflags --libs flowlens) -o /debs/from_c
/debs/from_c </debs/datagram

say "python3-flowlens"
printf '%s\n' 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status' \
  '2 123456789012 eni-1 10.0.0.1 10.0.0.2 40001 443 6 10 5000 1795000000 1795000010 ACCEPT OK' >/debs/vpc.log
/usr/bin/python3 -c 'import flowlens; [d] = flowlens.map("/debs/vpc.log").dependencies(); print(d.client_address, d.server_address)'
# The command wants a typer that Debian may not have yet: then it says so.
flowlens --help >/debs/help 2>&1 || grep 'typer' /debs/help

say "upgrade: what was changed in the settings stays"
echo API_PORT=8001 >>/etc/flowlens/flowlensd.env
dpkg -i --force-confold /debs/flowlensd_*.deb
grep -q API_PORT=8001 /etc/flowlens/flowlensd.env

say "remove: settings and map stay"
dpkg -r flowlensd
[ ! -e /usr/bin/flowlensd ] && grep -q API_PORT=8001 /etc/flowlens/flowlensd.env && [ -n "$(ls /var/lib/flowlens)" ]

say "purge: nothing stays"
dpkg -P $(for deb in /debs/*.deb; do dpkg-deb -f "$deb" Package; done)
list >/debs/after
getent passwd >/debs/users-after
diff /debs/before /debs/after
diff /debs/users-before /debs/users-after

#!/bin/sh
# Makes the certificates and tokens of the demonstration, and renews the certificates before they expire. Everything
# stays in memory: the keys of the two authorities in this container, the rest in one tmpfs volume for each consumer. A
# restart of this container therefore makes new authorities and tokens, which all consumers take over.
#
# Not for production, where a secret store or SPIFFE issues them. What carries over: one authority for servers and another
# one for clients, and files that are replaced while they are in use.
set -eu

work=${CERTIFICATES_WORK:-/tmp}   # the authorities
out=${CERTIFICATES_OUT:-/certificates} # one directory for each consumer
days=${CERTIFICATES_DAYS:-30}
renew_seconds=${CERTIFICATES_RENEW_SECONDS:-43200}
umask 027

# authority NAME
authority() {
  openssl req -x509 -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 3650 \
    -subj "/CN=uds-sidecar demonstration $1" -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}

# issue DIRECTORY AUTHORITY USE SUBJECT-ALT-NAME: a new key and certificate
issue() {
  openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj / -addext "subjectAltName=critical,$4" \
    -addext "extendedKeyUsage=$3" -addext 'basicConstraints=critical,CA:FALSE' -keyout "$1/tls.key" 2>/dev/null |
    openssl x509 -req -days "$days" -CA "$work/$2.crt" -CAkey "$work/$2.key" -copy_extensions copyall \
      -out "$1/tls.crt" 2>/dev/null
}

token() { openssl rand -base64 33 | tr '+/' '-_'; }

# publish CONSUMER: replaces all its files at once, in the way of a Kubernetes secret: links into a directory that is
# swapped.
publish() {
  directory=$out/$1 version=..$(date +%s.%N)
  mkdir "$directory/$version"
  install -m 0640 "$work/$1/"* "$directory/$version/"
  ln -sfn "$version" "$directory/..new"
  mv -T "$directory/..new" "$directory/..data"
  for file in "$work/$1/"*; do ln -sfn "..data/${file##*/}" "$directory/${file##*/}"; done
  for old in "$directory"/..[0-9]*; do [ "$old" = "$directory/$version" ] || rm -r "$old"; done
}

renew() {
  issue "$work/sidecar" servers serverAuth DNS:sidecar,DNS:localhost,IP:127.0.0.1,IP:::1
  issue "$work/client" clients clientAuth URI:spiffe://uds-sidecar.example/client
  issue "$work/prometheus" clients clientAuth URI:spiffe://uds-sidecar.example/monitoring/prometheus
  issue "$work/partner" servers serverAuth DNS:partner
  for consumer in sidecar client partner prometheus; do publish "$consumer"; done
}

authority servers
authority clients
mkdir -p "$work/sidecar" "$work/client" "$work/partner" "$work/prometheus"
cp "$work/clients.crt" "$work/sidecar/client-ca.crt"
for consumer in sidecar client prometheus; do cp "$work/servers.crt" "$work/$consumer/ca.crt"; done
token >"$work/prometheus/token"
cp "$work/prometheus/token" "$work/sidecar/prometheus.token"
token >"$work/partner/token"
echo "Bearer $(cat "$work/partner/token")" >"$work/sidecar/partner.authorization"

trap 'exit 0' TERM INT
while :; do
  renew
  echo "certificates: valid for $days days, renewed in $renew_seconds s"
  sleep "$renew_seconds" &
  wait $!
done

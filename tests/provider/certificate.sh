# A certificate for a server of this machine, NAME.pem with NAME.key, by the authority ca.pem
# with ca.key, which is made unless it is there: all in the directory it is started in.
set -eu

name=$1
new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc'

# Valid for longer than any clock here is set ahead.
if [ ! -e ca.pem ]; then
    openssl req -x509 $new -days 36500 -subj '/CN=Authority of the tests' -keyout ca.key -out ca.pem \
        -addext keyUsage=critical,keyCertSign,cRLSign
fi
openssl req -x509 $new -days 36500 -subj "/CN=$name" -keyout "$name.key" -out "$name.pem" \
    -CA ca.pem -CAkey ca.key -addext "subjectAltName=DNS:$name" \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth

#!/bin/sh
# crypto.sh MENURA - Linux with everything that -cpu max has: its own tests of every crypto
# module that uses vector instructions pass, RAID 6 measures AVX2 and AVX-512 and chooses the
# latter, and nothing crashes.
. "$(dirname "$0")/common.sh"
case $(uname -m) in
x86_64) ;;
*) skip "needs Debian's x86-64 kernel, which this host's archive is without" ;;
esac
fetch crypto initrd sh "$source/tests/boot/crypto-get.sh"

"$menura" -kernel "$guests/crypto/kernel" -initrd "$guests/crypto/initrd" -m 512M \
    -append "console=ttyS0 panic=-1" -no-reboot -cpu max -rtc base=2026-01-01 --hash \
    --max-instructions 20000000000 </dev/null >"$work/console" 2>"$work/messages"
code=$?
tr -d '\r' <"$work/console" >"$work/text"
[ $code = 0 ] || die "exit code $code, not 0" "$work/text" "$work/messages"

# part NAME: what stands between its marks.
part() {
    sed -n "/^BEGIN $1\$/,/^END $1\$/p" "$work/text" | sed '1d;$d'
}
part log >"$work/log"
part crypto >"$work/crypto"

grep -q 'raid6: avx2x4 ' "$work/log" || die "RAID 6 has no AVX2" "$work/log"
grep -q 'raid6: using algorithm avx512x[124] gen' "$work/log" ||
    die "RAID 6 uses no AVX-512" "$work/log"
grep -q 'raid6: using avx512x2 recovery' "$work/log" || die "no AVX-512 recovery" "$work/log"
grep -iE 'alg:.*fail|BUG:|invalid opcode|general protection' "$work/log" &&
    die "the kernel complains" "$work/log"
grep -v ' passed$' "$work/crypto" && die "self-tests that did not pass" "$work/crypto"
grep '^not loaded' "$work/text" && die "modules that could not be loaded" "$work/text"
for driver in aes-aesni generic-gcm-aesni xts-aes-aesni ghash-clmulni sha1-ni sha256-ni \
    sha256-avx2 sha512-avx2 chacha20-simd poly1305-simd curve25519-x86 nhpoly1305-avx2 \
    cbc-camellia-aesni-avx2 cbc-serpent-avx2 crct10dif-pclmul; do
    grep -q "^$driver passed\$" "$work/crypto" || die "no $driver" "$work/crypto"
done
echo "$(grep -c passed "$work/crypto") drivers passed; $(hash_of "$work/messages")"

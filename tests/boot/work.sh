# work.sh FOLDER - work whose results are text: hashing, packing, sorting, floating point
# and 300 processes. Run by one and the same busybox ($BUSYBOX) in the guest and on the
# host, it must print the same.
#
# The floating point is sums, products and quotients, exact by IEEE 754, so every digit
# counts: Debian's busybox has no sin or exp, and a C library's differ in the last digit
# between CPUs.
b=$BUSYBOX
cd "$1" || exit 1

$b awk 'BEGIN {
    for (x = 1; i < 6000; i++) {
        x = x * 16807 % 2147483647
        print x, "line", i % 97, "of some text"
    }
}' >data
$b wc data
$b sha256sum data
$b sha512sum data
$b md5sum data

$b gzip -n -c data >data.gz
$b sha256sum data.gz
$b gunzip -c data.gz | $b cmp - data && echo "gzip and back: the same"
$b bzip2 -c data >data.bz2
$b sha256sum data.bz2
$b bunzip2 -c data.bz2 | $b cmp - data && echo "bzip2 and back: the same"

$b sort data | $b sha256sum
$b sort -n -r data | $b head -n 3
$b sort -k 3n -k 1 data | $b tail -n 3
$b cut -d' ' -f3 data | $b sort -n | $b uniq -c | $b sha256sum
$b grep -c 'line 9[0-6] of' data
$b sed 's/\([0-9]*\) line \(.*\)/\2 \1/' data | $b sha256sum

$b awk 'function root(x, guess, n) {
    guess = x
    for (n = 0; n < 12; n++)
        guess = (guess + x / guess) / 2
    return guess
}
function sine(x, term, sum, n) {
    term = sum = x
    for (n = 2; n < 24; n += 2) {
        term *= -x * x / (n * (n + 1))
        sum += term
    }
    return sum
}
BEGIN {
    for (i = 1; i <= 2000; i++) {
        harmonic += 1 / i
        roots += root(i) / 3
        turns += sine(i % 7)
        product = (product + i) * 0.99999
    }
    printf "%.17g %.17g %.17g %.17g\n", harmonic, roots, turns, product
    printf "%.17g %.17g %.17g\n", 1e308 * 10, 5e-324 / 2, 2.5e-320 * 3
    for (x = 0.1; x < 1e17; x *= 7.3)
        printf "%d %e %g %.3f\n", x, x, x, x
}'

i=0
while [ $i -lt 300 ]; do
    $b expr $i '*' $i
    i=$((i + 1))
done | $b sha256sum
$b rm -f data data.gz data.bz2
echo "work done"

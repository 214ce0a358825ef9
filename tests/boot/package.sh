#!/bin/sh
# package.sh NAME PACKAGE FILE... FOLDER - fetches a Debian package and takes files out of
# it; FILE is the end of a path. Nothing is installed. `package` names what was unpacked.
set -eu
. "$(dirname "$0")/../../tools/needs.sh"
. "$(dirname "$0")/../../tools/packages.sh"
package=$2
shift 2
for folder; do :; done

unpack "$package" "$folder/work"
while [ $# -gt 1 ]; do
    found=$(find "$folder/work/root" -type f -path "*/$1" | head -n 1)
    [ "$found" ] || { echo "package $package has no file $1"; exit 1; }
    cp "$found" "$folder/"
    shift
done
(cd "$folder/work" && echo "$package"_*.deb) >"$folder/package"
rm -rf "$folder/work"

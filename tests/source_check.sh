# source_check.sh - what the tests that read the sources share; to be read by them with ".".
# Each defines check(), which prints a line per fault of the tree it stands in, and
# make_bad(), which makes a tree with the faults it is to notice, one each.

# The sources below frontend/, as far as there are any.
sources()
{
    for file in base/*.[ch] mmu/*.[ch] host/*.[ch] chipset/*.[ch] cpu/*.[ch] \
        devices/*.[ch] debug/*.[ch] machine/*.[ch] "$@"; do
        [ -f "$file" ] && echo "$file"
    done
}

# self_test NAME COUNT: make_good() makes what is allowed, make_bad() so many faults.
self_test()
{
    dir=$(mktemp -d) || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir" || exit 1
    mkdir base mmu host chipset cpu devices debug machine frontend include
    make_good
    good=$(check)
    make_bad
    bad=$(check | wc -l)
    if [ -n "$good" ] || [ "$bad" -ne "$2" ]; then
        echo "$1 is broken: '$good' and $bad of $2"
        exit 1
    fi
    exit 0
}

# judge_tree FOLDER REMARK: fails when there are faults.
judge_tree()
{
    cd "$1" || exit 1
    faults=$(check)
    [ -z "$faults" ] && exit 0
    echo "$faults"
    [ -z "$2" ] || echo "$2"
    exit 1
}

import FoundationEssentials
import SystemPackage

/// gcc for the kernel's sources, with a header that most of them begin with compiled once: nearly half of a build's time was the reading of
/// headers (838 and 470 s of processor time, Linux 7.3).
///
/// A source has the header put before it, from its compiled form (gcc(1), "Using Precompiled Headers"), unless it defines something ahead
/// of what it includes, which may be meant for that; and one that does not take it is compiled as it stands. The names of source and
/// module, which Kbuild defines for each source on the command line, are defined after the header instead: gcc takes no compiled header
/// that knew other definitions. Measured with Linux 7.3: 5,350,658 bytes of code and constants, without it 5,350,698.
enum KernelCompiler {
    /// The compiler, below the source's own directory; for make(1)'s CC.
    static let path: FilePath = ".netlab/cc"

    /// Puts the compiler into a directory with the kernel's source.
    ///
    /// - Throws: `directoryUnavailable` when it cannot be written.
    static func install(in tree: FilePath) throws(SetupError) {
        let place = tree.pushing(path).removingLastComponent()
        do {
            try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
            for (file, text) in [(place.appending("kernel.h"), header), (tree.pushing(path), script)] {
                let descriptor = try FileDescriptor.open(
                    file, .writeOnly, options: [.create, .truncate, .closeOnExec],
                    permissions: [.ownerReadWrite, .ownerExecute])
                try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
            }
        } catch {
            throw SetupError(
                .directoryUnavailable, "\(place) cannot be written: \(error)", remedy: "Look at the free space there.")
        }
    }

    private static let header = """
        #include <linux/kconfig.h>
        #include <linux/compiler_types.h>
        #include <linux/module.h>
        #include <linux/kernel.h>
        #include <linux/sched.h>
        #include <linux/mm.h>
        #include <linux/fs.h>
        #include <linux/slab.h>
        #include <linux/interrupt.h>
        #include <linux/seq_file.h>
        #include <linux/netdevice.h>
        #include <linux/skbuff.h>

        """

    /// What an error would say of macros' insides is not looked at (-ftrack-macro-expansion=0), which saves a sixth of a small source's time.
    private static let script = #"""
        #!/bin/sh
        here=${0%/*} names= output= source= next=
        is_kernel= is_object= is_host=
        for argument; do
            shift
            case $argument in
                -DKBUILD_MODFILE=* | -DKBUILD_BASENAME=* | -DKBUILD_MODNAME=* | -D__KBUILD_MODNAME=*)
                    argument=${argument#-D}
                    names="$names#define ${argument%%=*} ${argument#*=}
        "
                    continue ;;
                -D__KERNEL__) is_kernel=1 ;;
                -D__UM_HOST__) is_host=1 ;;
                -c) is_object=1 ;;
                *.c) source=$argument ;;
            esac
            [ -z "$next" ] || output=$argument
            next=
            [ "$argument" != -o ] || next=1
            set -- "$@" "$argument"
        done
        [ -n "$names" ] || exec gcc "$@"
        case $output in */*) names_file=${output%/*}/.${output##*/}.names.h ;; *) names_file=.$output.names.h ;; esac
        printf %s "$names" >"$names_file"
        set -- -ftrack-macro-expansion=0 "$@"
        if [ "$is_kernel$is_object$is_host" = 11 ] && [ -n "$source" ] &&
            awk '/^[ \t]*#[ \t]*(define|undef)/ && !/pr_fmt/ { defined = 1 }
                defined && /^[ \t]*#[ \t]*include/ { exit 1 }' "$source"; then
            case $source in kernel/* | mm/* | fs/* | net/*)
                # The first to come makes it, with its own options, which are everybody's there; the others do not wait.
                if [ ! -e "$here/kernel.h.gch" ] && mkdir "$here/making" 2>/dev/null; then
                    gcc $(for argument; do
                        case $argument in -Wp,-M* | -c | -o | "$source" | "$output") ;; *) printf '%s\n' "$argument" ;; esac
                    done | awk '$0 == "-include" { getline; next } { print }') -x c-header \
                        -o "$here/made" "$here/kernel.h" 2>/dev/null && mv "$here/made" "$here/kernel.h.gch"
                    rmdir "$here/making"
                fi ;;
            esac
            if [ -e "$here/kernel.h.gch" ]; then
                gcc -include "$here/kernel.h" "$@" -include "$names_file" 2>/dev/null && exit
            fi
        fi
        exec gcc "$@" -include "$names_file"

        """#
}

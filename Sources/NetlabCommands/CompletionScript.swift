import ArgumentParser

/// What `--generate-completion-script bash` prints: the script that swift-argument-parser makes, and what bash needs besides.
enum CompletionScript {
    /// - Parameter arguments: Those of the process, the program's own name first.
    /// - Returns: Nil where they ask for something else.
    static func forBash(arguments: [String]) -> String? {
        guard Array(arguments.dropFirst()) == ["--generate-completion-script", "bash"] else { return nil }
        return NetlabCommand.completionScript(for: .bash) + "\n" + wholeWords
    }

    /// bash ends a word at a colon (COMP_WORDBREAKS in bash(1)), so that it has three for `tgw:wan1` and replaces the last.
    private static let wholeWords = #"""

        # Hands on words with colons, such as NODE:INTERFACE, in one piece, and takes off again what bash leaves on the line.
        _netlab_whole_words() {
            local -a whole=()
            local -i index place=0
            local part rest=$COMP_LINE sign='' head=''
            for index in "${!COMP_WORDS[@]}"; do
                part=${COMP_WORDS[index]}
                if ((index > 0)) && [[ $rest != [[:space:]]* && ( -n $sign || $part =~ ^:+$ ) ]]; then
                    ((index != COMP_CWORD)) || head=${whole[-1]}
                    whole[-1]+=$part
                else
                    whole+=("$part")
                fi
                ((index != COMP_CWORD)) || place=$((${#whole[@]} - 1))
                sign=''
                [[ ! $part =~ ^:+$ ]] || sign=yes
                rest=${rest#*"$part"}
            done
            # On the sign itself the word that bash completes begins behind it.
            [[ ! ${COMP_WORDS[COMP_CWORD]} =~ ^:+$ || -n $2 ]] || head+=${COMP_WORDS[COMP_CWORD]}
            COMP_WORDS=("${whole[@]}")
            COMP_CWORD=$place
            _netlab "$1" "$head$2" "${whole[place > 0 ? place - 1 : 0]}"
            [[ -z $head ]] || COMPREPLY=("${COMPREPLY[@]#"$head"}")
        }

        complete -o filenames -F _netlab_whole_words netlab
        """#
}

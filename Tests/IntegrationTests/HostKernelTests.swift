import Foundation
import SystemPackage
import Testing

/// Labs on the host's own kernel, with a lab kernel in the host's place: it has all that labs need, whoever runs the tests is
/// root there, and all of it can be looked at before and after.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct HostKernelTests {
    /// Runs a shell script as root of a machine that has nothing but the host's files and netlab as `$netlab`.
    private static func onMachine(_ script: String) async throws -> Netlab.Result {
        let preparation = """
            set -u
            mkdir -m 700 /run/xdg /run/xdg/run /run/xdg/state
            export XDG_RUNTIME_DIR=/run/xdg/run XDG_STATE_HOME=/run/xdg/state NETLAB_HOME=\(Netlab.checkout) NO_COLOR=1
            netlab=\(Netlab.guestProgram)
            cat >/run/pair.yaml <<'END'
            \(pair)
            END

            """
        var result: Netlab.Result?
        try await LabHome.with { home in
            result = try await home.netlab.run("kernel", "run", "--", "/bin/sh", "-c", preparation + script)
        }
        return try #require(result)
    }

    private static let pair = """
        name: pair
        title: two nodes and a wire
        clouds:
          here: {title: Here}
        nodes:
          left: {cloud: here, role: instance}
          right: {cloud: here, role: instance}
        links:
          wire: {ends: {left:eth0: 10.0.0.1/24, right:eth0: 10.0.0.2/24}, mtu: 1500, rate: 1gbit, delay: 1ms}
        probes:
          across: {from: left, to: right}
        """

    /// With real IKE, real BGP, faults' places and all: what the lab kernel shows, the same.
    @Test func `A lab of two clouds is as on the lab kernel`() async throws {
        let result = try await Self.onMachine("exec $netlab check aws-oci --kernel host")
        #expect(result.code == 0, result.account)
        #expect(result.output.contains("aws-oci: 26 passed, 5 not applicable"), result.account)
    }

    @Test func `Strong swan runs there`() async throws {
        let result = try await Self.onMachine("exec $netlab check alibaba-azure --kernel auto")
        #expect(result.code == 0, result.account)
        #expect(result.error.contains("on this machine's kernel, "), result.account)
    }

    /// Everything the kernel knows, by the programs of people who would look.
    private static let look = """
        look() {
            ls /run/netns 2>&1
            ip -o link | sed 's/ *\\\\.*//'
            ip -o addr; ip rule; ip route show table all; nft list ruleset; ip xfrm state; ip xfrm policy
            cat /proc/self/mounts
            lsns -n -o NS,TYPE
            ps -eo args | grep -v -e 'ps -eo' -e grep -e '^sort' -e '\\[' -e 'sh -c' -e lsns | sort
            find /run/xdg/run /tmp/netlab-0 /dev/shm 2>/dev/null | sort
            sysctl -a 2>/dev/null | grep -v -e random -e 'nr_\\|-nr\\|_nr' -e fs.inode -e fs.dentry -e ns_last_pid -e _count -e cad_pid
        }

        """

    @Test func `It is there for others and gone without a trace`() async throws {
        let result = try await Self.onMachine(
            Self.look + """
                mkdir /run/xdg/run/netlab /run/xdg/run/netlab/labs && chmod -R go= /run/xdg
                look >/run/before
                $netlab up /run/pair.yaml --kernel host || exit 1
                $netlab status pair | grep -F '(at '
                ip netns list | sort
                ip netns exec netlab.pair.left ping -qc 2 -i 0.2 10.0.0.2 | grep received
                touch /etc/x 2>/dev/null || $netlab exec pair left -- touch /usr/x 2>&1
                $netlab exec pair left -- sh -c 'hostname; ip -br addr show eth0; ps -e | wc -l'
                $netlab clock pair advance 1h; echo "advance: $?"
                head -1 /run/xdg/run/netlab/labs/pair/journal
                stat -c '%a' /run/xdg/run/netlab/labs/pair/journal
                $netlab down pair || exit 1
                look >/run/after
                diff /run/before /run/after && echo nothing left
                """)
        #expect(result.code == 0, result.account)
        #expect(result.output.contains("real)"), result.account)
        #expect(result.output.contains("netlab.pair.left\nnetlab.pair.right\n"), result.account)
        #expect(result.output.contains("2 received"), result.account)
        #expect(result.output.contains("Read-only file system"), result.account)
        #expect(result.output.contains("left\neth0@"), result.account)
        #expect(result.output.contains("advance: 2"), result.account)
        #expect(result.output.contains(#""verb":"begin""#), result.account)
        #expect(result.output.contains("\n600\n"), result.account)
        #expect(result.output.hasSuffix("pair is down.\nnothing left\n"), result.account)
    }

    /// Whatever of a lab is killed: the rest of it goes by itself, and the next command clears away its directory.
    @Test(arguments: ["supervisor", "kernel", "agent"])
    func `Nothing outlives any part of it`(part: String) async throws {
        let result = try await Self.onMachine(
            Self.look + """
                mkdir /run/xdg/run/netlab /run/xdg/run/netlab/labs && chmod -R go= /run/xdg
                look >/run/before
                $netlab up /run/pair.yaml --kernel host >/dev/null || exit 1
                $netlab exec pair left -- sleep 1000 &
                record=/run/xdg/run/netlab/labs/pair/lab.json
                field() { sed "s/.*\\"$1\\":\\([0-9]*\\).*/\\1/" $record; }
                kernel=$(field kernel)
                case \(part) in
                    supervisor) kill -9 $(field supervisor) ;;
                    kernel) kill -9 $kernel ;;
                    agent) kill -9 $(cat /proc/$kernel/task/$kernel/children) ;;
                esac
                wait
                $netlab list
                # The supervisor goes by itself, a moment after the agent.
                for i in $(seq 50); do pgrep -f supervise-lab >/dev/null || break; sleep 0.1; done
                look >/run/after
                diff /run/before /run/after && echo nothing left
                """)
        // Whoever looks first clears it away: `exec`, which was cut off, or `list`.
        #expect(
            result.output.contains("died, cleaned up") || result.error.contains("What it left has been removed"),
            result.account)
        #expect(result.output.hasSuffix("nothing left\n"), result.account)
    }

    /// A machine that forwards for containers, filters sources and ignores redirects: none of it is a node's.
    @Test func `The host's settings are not a node's`() async throws {
        let result = try await Self.onMachine(
            """
            sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.accept_redirects=0
            $netlab up /run/pair.yaml --kernel host >/dev/null || exit 1
            $netlab exec pair left -- sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter \
                net.ipv4.conf.eth0.accept_redirects net.ipv4.conf.eth0.forwarding
            sysctl net.ipv4.ip_forward
            """)
        #expect(
            result.output == """
                net.ipv4.ip_forward = 0
                net.ipv4.conf.all.rp_filter = 0
                net.ipv4.conf.eth0.accept_redirects = 1
                net.ipv4.conf.eth0.forwarding = 0
                net.ipv4.ip_forward = 1

                """, result.account)
    }

    @Test func `What only virtual time can do is refused`() async throws {
        let result = try await Self.onMachine(
            """
            $netlab up /run/pair.yaml --kernel host --clock paused; echo "clock: $?"
            $netlab test aws-oci --kernel host --scenario main-cut --seed 1; echo "seed: $?"
            $netlab soak aws-oci --kernel host --seed 1; echo "soak: $?"
            setpriv --reuid 65534 --regid 65534 --clear-groups $netlab up /run/pair.yaml --kernel host; echo "nobody: $?"
            """)
        #expect(result.output == "clock: 2\nseed: 2\nsoak: 2\nnobody: 3\n", result.account)
        #expect(result.error.contains("--clock is for labs on the lab kernel"), result.account)
        #expect(result.error.contains("in real time no run is like another"), result.account)
        #expect(result.error.contains("only root runs labs on the host's own kernel"), result.account)
    }

    @Test func `The doctor tries everything that labs need`() async throws {
        let result = try await Self.onMachine("$netlab doctor --kernel host --format json")
        #expect(result.code == 0, result.account)
        struct Finding: Decodable {
            let name: String
            let labs: [String]
            let obstacle: String?
        }
        let findings = try JSONDecoder().decode([Finding].self, from: Data(result.output.utf8))
        #expect(findings.allSatisfy { $0.obstacle == nil }, result.account)
        #expect(
            findings.map(\.name).sorted() == [
                "802.1Q", "ESP over IPv6, aes-256-cbc with sha2-256", "ESP, aes-256-cbc with sha2-256",
                "ESP, aes-256-gcm-16", "TCP MD5 signatures", "VTI",
                "XFRM interfaces", "gre tunnels", "ipip6 tunnels", "isatap tunnels",
                "namespaces with overlay file systems", "netem",
                "nftables, with all that the rules use", "packet sockets", "rules of policy routing",
                "sysctls of nodes", "veth pairs", "vxlan tunnels", "vxlan6 tunnels", "wireguard tunnels",
                "wireguard6 tunnels",
            ])
        #expect(
            findings.first { $0.name == "VTI" }?.labs == [
                "aws-oci", "gcp-aws", "interface-kinds", "path-choice", "releases", "site-aws", "soracom-azure",
            ])
    }

    /// A machine that lacks something names it, and `auto` takes the lab kernel.
    @Test func `The doctor finds what is missing`() async throws {
        let result = try await Self.onMachine(
            """
            # One network namespace, which the agent has: a node cannot be made, nor anything that is tried in one.
            echo 1 >/proc/sys/user/max_net_namespaces
            $netlab doctor --kernel host /run/pair.yaml; echo "doctor: $?"
            $netlab up /run/pair.yaml --kernel host; echo "up: $?"
            """)
        #expect(result.output.contains("missing"), result.account)
        #expect(result.output.contains("doctor: 3"), result.account)
        #expect(result.output.contains("up: 3"), result.account)
        #expect(result.error.contains("cannot do all that the lab needs"), result.account)
    }
}

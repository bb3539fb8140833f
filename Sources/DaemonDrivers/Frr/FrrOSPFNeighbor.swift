import FoundationEssentials
import NetworkTypes

/// Neighbours as `show ip ospf neighbor json` shows them.
///
/// Source: FRR 8.4.4 and 10.3, ospfd/ospf_vty.c (`show_ip_ospf_neighbour_brief`), ospfd/ospf_dump.c (`ospf_nsm_state_msg`).
public enum FrrOSPFNeighbor {
    /// Reads the answer; what is no neighbour is left out.
    public static func parse(_ text: String) -> [OSPFNeighborState] {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(text.utf8)) else { return [] }
        return answer.neighbors.values.flatMap { $0 }.compactMap { entry in
            guard let fields = entry.fields, let address = fields.ifaceAddress.flatMap({ IPAddress($0) }),
                let word = fields.converged
            else { return nil }
            return OSPFNeighborState(
                address: address, state: word, deadIn: fields.routerDeadIntervalTimerDueMsec.map { .milliseconds($0) })
        }.sorted { $0.address < $1.address }
    }

    private struct Answer: Decodable {
        let neighbors: [String: [Lenient]]
    }

    private struct Lenient: Decodable {
        let fields: Fields?

        init(from decoder: any Decoder) throws { fields = try? Fields(from: decoder) }
    }

    private struct Fields: Decodable {
        let ifaceAddress: String?
        let converged: String?
        let routerDeadIntervalTimerDueMsec: Int64?

        private enum CodingKeys: CodingKey { case ifaceAddress, converged, routerDeadIntervalTimerDueMsec }

        /// The time is a word where no timer runs.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            ifaceAddress = try fields.decodeIfPresent(String.self, forKey: .ifaceAddress)
            converged = try fields.decodeIfPresent(String.self, forKey: .converged)
            routerDeadIntervalTimerDueMsec = try? fields.decode(Int64.self, forKey: .routerDeadIntervalTimerDueMsec)
        }
    }
}

import Certificates
import LabModel
import NetworkTypes

/// A certificate, its key and the authorities of a user's, in PEM with a line `---` between them: what `validate` says of them, and what a
/// daemon is given.
enum CertificateReading {
    private static let date: Int64 = 1_800_000_000

    static func read(_ bytes: [UInt8]) throws {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n---\n", omittingEmptySubsequences: false)
        let text = { (index: Int) in index < parts.count ? String(parts[index]) : "" }
        let files = CertificateFiles(
            certificate: .init(name: "own.pem", text: text(0)), key: .init(name: "own.key", text: text(1)),
            authorities: .init(name: "ca.pem", text: text(2)))
        let identities: [IKEIdentity?] = [nil, .name("west.example.net"), IPAddress("192.0.2.1").map { .address($0) }]
        for identity in identities {
            let (use, problems) = files.use(identity: identity, isConfigured: true, at: date)
            try require(use != nil || problems.contains { !$0.isWarning }, "it is refused without a reason")
            for problem in problems {
                let said = problem.message + problem.remedy
                try require(
                    said.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
                    "it says \(said.debugDescription)")
            }
            guard let use, let credential = use.credential else { continue }
            // Whatever is taken can be given on, and says the same again.
            let certificates = try Certificate.all(pem: credential.own.certificate)
            try require(certificates.count == 1, "of one certificate there are \(certificates.count)")
            try require(try certificates.first?.subject == use.subject, "the subject is another")
            try require(certificates.first?.has(use.identity) == true, "\(use.identity) is none of its names")
            try require(try !KeyBundle.bytes(of: credential.own, name: "own").isEmpty, "the bundle is empty")
            _ = use.objection(to: use, at: date)
        }
    }
}

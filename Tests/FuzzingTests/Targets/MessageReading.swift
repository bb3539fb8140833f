import AgentProtocol
import Foundation
import LabRecords
import NetworkTypes
import Reporting

/// What comes over the control line and the supervisor's socket: frames, and the messages in them.
enum MessageReading {
    static func read(_ bytes: [UInt8]) throws {
        try frames(bytes)
        // The bytes as a message without a frame around it: more of them get to be messages.
        try message(ToAgent.self, bytes)
        try message(ToSupervisor.self, bytes)
        if let message = try message(FromAgent.self, bytes) { show(message) }
        try message(FromSupervisor.self, bytes)
        // And as what a message carries.
        if let status = try message(LabStatus.self, bytes) { show(status, LabTime(nanoseconds: 0)) }
        try message(Build.self, bytes)
        try message(Play.self, bytes)
        try message(ExecRequest.self, bytes)
        try message(Observation.self, bytes)
    }

    /// However the bytes arrive, they are the same frames.
    private static func frames(_ bytes: [UInt8]) throws {
        let whole = frames(bytes, pieces: max(1, bytes.count))
        let pieces = frames(bytes, pieces: 3)
        try require(whole == pieces, "\(whole.count) frames at once, \(pieces.count) piece by piece")
        for frame in whole {
            try message(FromAgent.self, frame.header)
            try message(ToSupervisor.self, frame.header)
        }
    }

    private static func frames(_ bytes: [UInt8], pieces length: Int) -> [Frame] {
        var decoder = FrameDecoder()
        var frames: [Frame] = []
        var rest = bytes[...]
        do {
            while !rest.isEmpty {
                decoder.append(rest.prefix(length))
                rest = rest.dropFirst(length)
                while let frame = try decoder.next() { frames.append(frame) }
            }
        } catch {}
        return frames
    }

    /// What can be read can be written, and be read again.
    @discardableResult
    private static func message<Message: Codable>(_ type: Message.Type, _ json: [UInt8]) throws -> Message? {
        guard let message = try? JSONDecoder().decode(type, from: Data(json)) else { return nil }
        // Numbers that JSON has not are read, and cannot be written.
        guard let frame = try? Frame(message) else { return message }
        _ = try frame.header(as: type)
        return message
    }

    private static func show(_ message: FromAgent) {
        switch message {
        case .failed(_, let failure, _): _ = failure.description
        case .progress(_, let progress): _ = progress.time.description
        default: break
        }
    }

    private static func show(_ status: LabStatus, _ time: LabTime) {
        _ = StatusReport(status).full(style: .plain)
        _ = StatusReport(status).brief(style: .plain)
        for fault in status.faults { _ = time - fault.since }
    }
}

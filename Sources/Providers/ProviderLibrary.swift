import LabModel
import Synchronization

/// The providers that lab files may name, and where what is written of each is read from.
public final class ProviderLibrary: Sendable {
    /// What there is to choose from.
    public let names: [String]
    private let read: @Sendable (String) throws -> (text: String, file: String)
    private let files = Mutex<[String: ProviderFile]>([:])

    /// - Parameter read: The text of a provider's file by the provider's name, and the file's name for messages.
    public init(names: [String], read: @escaping @Sendable (String) throws -> (text: String, file: String)) {
        self.names = names
        self.read = read
    }

    /// What a provider's own file says. Each is read once: every variant of a lab asks for the same.
    public func file(of name: String) throws -> ProviderFile {
        try files.withLock { files in
            if let known = files[name] { return known }
            let (text, path) = try read(name)
            let reader = ProviderReader(file: path)
            let provider = reader.provider(text, name: name)
            let file = ProviderFile(path: path, provider: provider, diagnostics: reader.collector.diagnostics)
            files[name] = file
            return file
        }
    }
}

/// What is written of one provider, without that of the provider it is built on.
public struct ProviderFile: Sendable {
    public let path: String
    /// Nil where something in the file is wrong.
    public let provider: Provider?
    public let diagnostics: [LabFileDiagnostic]
}

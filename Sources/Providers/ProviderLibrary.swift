/// The providers that lab files may name, and where what is written of each is read from.
public struct ProviderLibrary {
    /// What there is to choose from.
    public let names: [String]
    public let read: (String) throws -> (text: String, file: String)

    /// - Parameter read: The text of a provider's file by the provider's name, and the file's name for messages.
    public init(names: [String], read: @escaping (String) throws -> (text: String, file: String)) {
        self.names = names
        self.read = read
    }
}

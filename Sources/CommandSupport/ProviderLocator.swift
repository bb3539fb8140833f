import FoundationEssentials
import Glibc
import LabModel
import Providers

/// Finds the files of providers: those of the user, `providers/NAME.yaml` beside the lab file, before netlab's own of the
/// same name in `Labs/providers`.
package struct ProviderLocator {
    /// In the order in which they are searched.
    private let directories: [String]

    /// - Parameter labDirectory: Where the lab file stands; nil for netlab's own providers alone.
    package init(labDirectory: String?) {
        directories = [labDirectory, LabLocator.labsDirectory].compactMap { $0.map { "\($0)/providers" } }
    }

    package var names: [String] {
        let files = directories.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        return Set(files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }).sorted()
    }

    /// The path of a provider's file; nil where there is none.
    package func file(of name: String) -> String? {
        guard names.contains(name) else { return nil }
        return directories.lazy.map { "\($0)/\(name).yaml" }.first { access($0, F_OK) == 0 }
    }

    package var library: ProviderLibrary {
        ProviderLibrary(names: names) { name in
            guard let file = file(of: name) else {
                throw CommandError(
                    message: "There is no provider \"\(name)\".",
                    remedy: Suggestion.remedy(for: name, among: names, noun: "providers"))
            }
            // Neither the file nor the directory of that name may lead out of the lab's.
            let base = LabLocator.directory(of: LabLocator.directory(of: file))
            return (try LabLocator.companion("providers/\(name).yaml", in: base), file)
        }
    }
}

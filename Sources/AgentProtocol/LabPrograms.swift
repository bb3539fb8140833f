/// The programs that labs run: this machine's, wherever its user finds their own.
public enum LabPrograms {
    /// Where they are looked for, in the syntax of PATH.
    public static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}

import NetlabCommands

await Program.main()

import NetlabCommands

Program.liveInLab()
await Program.command()

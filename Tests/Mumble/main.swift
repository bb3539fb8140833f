import DaemonDrivers
import Daemons
import NetlabCommands

let mumble = Mumble()
DaemonRegistry.add(mumble)
DriverRegistry.add(MumbleDriver.self, for: mumble.id)
Program.liveInLab()
await Program.command()

"""What the fault tests share: a project, effects that can be broken, processes that can be killed, and the promises."""

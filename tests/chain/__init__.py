"""The chain on AWS without AWS: functions, state machine, template; and the whole of it on the local cloud."""

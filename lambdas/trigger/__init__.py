"""Rings the bell: files that arrived in a raw zone become one execution of the state machine.

An event is a bell, not a work list. The execution that a batch of messages starts begins after their files were put,
and a run claims all that lies in raw: so no file is left without a run, however many of its events are lost in others,
come twice, or come out of order. The state machine lets all but the last of waiting executions end (decision 22).
"""

"""The processes and threads of a trace that are not named by a host."""

LINK = "link"
CLIENTS = "clients"

VM = "VM"
REPLICATION = "replication"
SENDING = "sending"
RECEIVING = "receiving"
TRACKING = "tracking"
FAILOVER = "failover"
FAULTS = "faults"
ANSWERS = "answers"

#: All threads, in the order in which a process shows them.
THREADS = (VM, REPLICATION, SENDING, RECEIVING, TRACKING, FAILOVER, FAULTS, ANSWERS)

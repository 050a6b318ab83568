// An empty program: the time that Node itself needs to start and end.

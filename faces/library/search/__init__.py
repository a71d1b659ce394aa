"""The faces nearest to an encoding: behind one interface, by ourselves in memory that a machine's processes share."""

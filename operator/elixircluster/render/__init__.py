"""From a parsed resource to the objects that make it so. Pure: no I/O but reading templates, no clock."""

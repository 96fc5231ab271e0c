"""The kubectl plugin. Everything goes through the user's own kubectl: who may not do it there may not do it here."""

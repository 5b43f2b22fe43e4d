"""The hub: what is supervised, who may go where, and the one address in front of it all."""

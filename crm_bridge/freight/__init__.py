"""What freight is about: container types and lane prices. Pure."""

"""The resource: models, defaults, limits and the schemas generated from them."""

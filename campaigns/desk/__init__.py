"""The pages of the marketers' desk around campaigns and templates."""

"""The dialect of the e-mail hosting service (contract H)."""

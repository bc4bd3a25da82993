"""What programs hand in one by one: checked, kept, found again, called back."""

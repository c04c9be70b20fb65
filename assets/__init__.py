"""The vocabulary: what users declare. Knows no other part of Headwater."""

"""Operations on workflows and what starts them: runs, schedules, polls, transfers, approvals, the gallery."""

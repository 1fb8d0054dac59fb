-- Avoidable emergency admissions, by the list chosen.
CREATE TEMPORARY TABLE measure_avoidable AS
SELECT a.person_key, a.provider, a.start_date
FROM measure_admission AS a
CROSS JOIN setting AS s
WHERE a.is_emergency = 1 AND (s.transfers_count OR coalesce(a.admission_method, '') <> '2B')
    AND a.primary_diagnosis IN (
        SELECT d.primary_diagnosis
        FROM (SELECT DISTINCT primary_diagnosis FROM measure_admission WHERE primary_diagnosis IS NOT NULL) AS d
        JOIN acsc_code AS c ON d.primary_diagnosis LIKE c.code || '%'
    );
